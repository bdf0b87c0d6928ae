"""The shop's frontend: pages made from this commit's templates and the backend's products."""

import argparse
import json
import sys
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from string import Template
from urllib.error import URLError
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import urlopen

import prices

HERE = Path(__file__).parent
NEEDS = json.loads((HERE / "needs.json").read_text())["backend_api"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sha", required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--catalogue")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def fetched(address):
    with urlopen(address, timeout=5) as response:
        return json.load(response)


def backend_problem(backend):
    """Return why this frontend cannot work with that backend, None when it can."""
    try:
        offered = fetched(f"{backend}/version")["api"]
    except URLError as problem:
        return f"the backend at {backend} does not answer ({problem.reason})"
    if offered < NEEDS:
        return (
            f"this frontend needs backend API {NEEDS}, the backend here offers API {offered}: "
            "deploy the backend first"
        )
    return None


def shown(product):
    known = {key: escape(str(value)) for key, value in product.items()}
    known["price"] = prices.written(product["price_cents"])
    return Template((HERE / "product.html").read_text()).substitute(known).strip()


def page(sha, backend, search):
    products = fetched(f"{backend}/api/products?search={quote(search)}")
    return Template((HERE / "index.html").read_text()).substitute(
        search=escape(search, quote=True),
        count=len(products),
        products="\n".join(shown(product) for product in products),
        footer=(HERE / "footer.html").read_text().strip(),
        sha=sha[:7],
    )


def handler(sha, backend):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            if url.path == "/version":
                version = {"service": "frontend", "sha": sha, "needs_backend_api": NEEDS}
                self.reply(200, "application/json", json.dumps(version))
            elif url.path == "/":
                search = parse_qs(url.query).get("search", [""])[0]
                self.reply(200, "text/html; charset=utf-8", page(sha, backend, search))
            else:
                self.reply(404, "text/plain", "not found")

        def reply(self, status, kind, text):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


if __name__ == "__main__":
    given = arguments()
    if problem := backend_problem(given.backend):
        sys.exit(problem)
    if not given.check:
        server = ThreadingHTTPServer(("127.0.0.1", given.port), handler(given.sha, given.backend))
        server.serve_forever()
