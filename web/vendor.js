// `npm run vendor`: bundle third-party code for the page into js/vendor, the same bytes on every machine.
//
// Versions are those of package-lock.json. VENDOR.json says what is there and where it came from; a test
// without node compares it with the files and the lock, and CI runs this and wants no difference.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

const ROOT = import.meta.dirname;
const TARGET = join(ROOT, "js", "vendor");
const BUNDLES = [{ name: "hash-wasm", part: "argon2", names: ["argon2id"] }];

const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
await mkdir(TARGET, { recursive: true });
for (const file of await readdir(TARGET)) await rm(join(TARGET, file));

const listed = [];
for (const { name, part, names } of BUNDLES) {
  const { version, integrity, license } = lock.packages[`node_modules/${name}`];
  const stem = `${name}-${part}-${version}`;
  const text = `export { ${names.join(", ")} } from ${JSON.stringify(name)};\n`;
  await build({
    stdin: { contents: text, resolveDir: ROOT },
    outfile: join(TARGET, `${stem}.js`),
    bundle: true,
    format: "esm",
    legalComments: "inline",
    minify: true,
    target: "es2022",
    logLevel: "error",
  });
  await writeFile(join(TARGET, `${stem}.d.ts`), text);
  await copyFile(join(ROOT, "node_modules", name, "LICENSE"), join(TARGET, `${stem}.LICENSE`));
  const sha256 = createHash("sha256").update(await readFile(join(TARGET, `${stem}.js`))).digest("hex");
  listed.push({ name, version, license, file: `${stem}.js`, licence_file: `${stem}.LICENSE`, sha256, integrity });
}
await writeFile(join(TARGET, "VENDOR.json"), `${JSON.stringify(listed, null, 2)}\n`);
