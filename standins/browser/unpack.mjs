// Unpacks the browser of @sparticuz/chromium into the temporary folder (TMPDIR), with the libraries that it needs.
import { readdirSync } from "node:fs";
import { inflate } from "@sparticuz/chromium";

const packed = new URL("node_modules/@sparticuz/chromium/bin/", import.meta.url).pathname;
await Promise.all(readdirSync(packed).map((name) => inflate(packed + name)));
