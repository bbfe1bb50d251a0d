// Bundle web/src into the one module that ships in the wheel: src/justfit/report/assets/justfit.js.
// Its first line holds the SHA-256 of what it was built from and of what was built, so that a test in Python knows a
// stale or a changed one. With --check nothing is written: the exit status says whether the module is up to date.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "..", "src", "justfit", "report", "assets", "justfit.js");
const MOST_BYTES = 150_000;

// The same order and the same bytes as in tests/browser/test_bundle.py.
function sources() {
  const found = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"];
  const visit = (folder) => {
    for (const name of readdirSync(join(HERE, folder))) {
      const path = `${folder}/${name}`;
      if (statSync(join(HERE, path)).isDirectory()) visit(path);
      else if (/\.(ts|css)$/.test(name)) found.push(path);
    }
  };
  visit("src");
  return found.sort();
}

function hashOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(HERE, path)));
    hash.update("\0");
  }
  return hash.digest("hex");
}

// A style sheet is a string of the module, without its white space.
const styles = {
  name: "styles",
  setup(bundle) {
    bundle.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const result = await build({
  absWorkingDir: HERE,
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  plugins: [styles],
  legalComments: "none",
  write: false,
});
const code = result.outputFiles[0].text;
const built = createHash("sha256").update(code).digest("hex");
const text = `/* justfit web ${hashOf(sources())} built ${built} */\n${code}`;
for (const forbidden of ["</script", "://", "eval("]) {
  if (text.toLowerCase().includes(forbidden)) throw new Error(`The module must not contain ${forbidden}`);
}
if (Buffer.byteLength(text) > MOST_BYTES)
  throw new Error(`The module has ${Buffer.byteLength(text)} bytes, more than ${MOST_BYTES}`);
if (process.argv.includes("--check")) {
  if (readFileSync(OUT, "utf8") !== text)
    throw new Error("The module is stale: npm run build, and commit it");
} else {
  mkdirSync(dirname(OUT), { recursive: true });
  writeFileSync(OUT, text);
  console.log(`${OUT}: ${Buffer.byteLength(text)} bytes`);
}
