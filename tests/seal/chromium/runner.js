// node:test as far as the tests of this folder use it.

const told = [];

export function test(name, body) {
  told.push({ name, body });
}

export async function run() {
  const failed = [];
  for (const { name, body } of told) {
    try {
      await body();
    } catch (error) {
      failed.push(`${name}: ${error}`);
    }
  }
  return { passed: told.length - failed.length, failed };
}
