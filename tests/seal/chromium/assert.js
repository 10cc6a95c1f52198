// node:assert/strict as far as the tests of this folder use it.

function fail(what) {
  throw new Error(what);
}

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const [mine, theirs] = [Object.keys(a), Object.keys(b)];
  return mine.length === theirs.length && mine.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

function fits(error, wanted) {
  if (wanted === undefined) return true;
  if (typeof wanted === "function") return error instanceof wanted;
  return Object.entries(wanted).every(([key, value]) => same(error[key], value));
}

export default {
  ok: (value, why = "not ok") => value || fail(why),
  equal: (a, b, why = "") => Object.is(a, b) || fail(`${a} is not ${b} ${why}`),
  notEqual: (a, b) => !Object.is(a, b) || fail(`${a} twice`),
  deepEqual: (a, b) => same(a, b) || fail(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`),
  match: (text, pattern) => pattern.test(text) || fail(`${text} does not match`),
  throws(attempt, wanted) {
    try {
      attempt();
    } catch (error) {
      return fits(error, wanted) || fail(`another error: ${error}`);
    }
    return fail("no error");
  },
  async rejects(promise, wanted, why = "") {
    const outcome = await promise.then(
      () => ({ error: null }),
      (error) => ({ error }),
    );
    if (outcome.error === null) fail(`no error ${why}`);
    if (!fits(outcome.error, wanted)) fail(`another error: ${outcome.error} ${why}`);
  },
};
