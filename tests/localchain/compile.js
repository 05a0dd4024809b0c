// Compile a solc standard-json input (stdin) with the solc package named by the first argument.
"use strict";
const fs = require("fs");
const input = fs.readFileSync(0, "utf8");
// solc's emscripten build installs handlers that turn any later rejection into a crash.
const before = process.listeners("unhandledRejection");
const solc = require(process.argv[2]);
process.removeAllListeners("unhandledRejection");
before.forEach((listener) => process.on("unhandledRejection", listener));
process.stdout.write(solc.compile(input));
