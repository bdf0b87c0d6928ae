"""The shop's backend: products as JSON, from this commit's code and its environment's catalogue."""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import catalogue
import fields
import ordering

API = json.loads((Path(__file__).parent / "api.json").read_text())["version"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sha", required=True)
    parser.add_argument("--catalogue", required=True)
    parser.add_argument("--backend")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def products(rows, words):
    """Return the listed products whose name holds the words, as the API gives them."""
    found = [p for p in catalogue.listed(rows) if words.lower() in p["name"].lower()]
    return [fields.described(p) for p in ordering.ordered(found)]


def handler(sha, rows):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            words = parse_qs(url.query).get("search", [""])[0]
            answers = {
                "/version": lambda: {"service": "backend", "sha": sha, "api": API},
                "/api/status": lambda: {
                    "products_for_sale": sum(r["price_cents"] > 0 for r in rows)
                },
                "/api/products": lambda: products(rows, words),
            }
            answer = answers.get(url.path)
            self.reply(200, answer()) if answer else self.reply(404, {"error": "not found"})

        def reply(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


if __name__ == "__main__":
    given = arguments()
    loaded = catalogue.load(given.catalogue)
    if not given.check:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), handler(given.sha, loaded))
        server.serve_forever()
