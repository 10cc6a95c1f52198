// `npm run vendor`: bundle third-party code for the page into js/vendor, the same bytes on every machine.
//
// Versions are those of package-lock.json. VENDOR.json says what is there and where it came from; a test
// without node compares it with the files and the lock, and CI runs this and wants no difference.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { build } from "esbuild";

const ROOT = import.meta.dirname;
const TARGET = join(ROOT, "js", "vendor");
const BUNDLES = [
  { name: "hash-wasm", part: "argon2", names: ["argon2id"] },
  { name: "age-encryption", part: "encrypter", names: ["Encrypter"] },
];

const { packages } = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));
await mkdir(TARGET, { recursive: true });
for (const file of await readdir(TARGET)) await rm(join(TARGET, file));

/** The package that a bundled file is of, as the lock names it: the innermost one. */
function packageOf(input) {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)[1];
}

const listed = [];
for (const { name, part, names } of BUNDLES) {
  const main = `node_modules/${name}`;
  const { version, integrity, license } = packages[main];
  const stem = `${name}-${part}-${version}`;
  const text = `export { ${names.join(", ")} } from ${JSON.stringify(name)};\n`;
  const { metafile } = await build({
    stdin: { contents: text, resolveDir: ROOT },
    absWorkingDir: ROOT,
    outfile: join(TARGET, `${stem}.js`),
    bundle: true,
    format: "esm",
    legalComments: "inline",
    minify: true,
    target: "es2022",
    logLevel: "error",
    metafile: true,
  });
  await writeFile(join(TARGET, `${stem}.d.ts`), text);
  const inputs = Object.keys(metafile.inputs).filter((input) => input.startsWith("node_modules/"));
  const others = [...new Set(inputs.map(packageOf))].filter((path) => path !== main).sort();
  const licences = await Promise.all([main, ...others].map((path) => readFile(join(ROOT, path, "LICENSE"), "utf8")));
  await writeFile(join(TARGET, `${stem}.LICENSE`), [...new Set(licences)].join("\n----\n\n"));
  const sha256 = createHash("sha256").update(await readFile(join(TARGET, `${stem}.js`))).digest("hex");
  const includes = others.map((path) => ({ path, version: packages[path].version, license: packages[path].license }));
  listed.push({
    name, version, license, file: `${stem}.js`, licence_file: `${stem}.LICENSE`, sha256, integrity,
    ...(includes.length && { includes }),
  });
}
await writeFile(join(TARGET, "VENDOR.json"), `${JSON.stringify(listed, null, 2)}\n`);
