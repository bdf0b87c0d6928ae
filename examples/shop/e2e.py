"""Test an environment over HTTP: python3 e2e.py <environment> <sha> [<folder for junit.xml>]."""

import json
import re
import sys
import time
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen
from xml.etree import ElementTree

import places

PRODUCT = re.compile(r'<li data-product="([^"]+)">')


def get(environment, service, path):
    with urlopen(places.address(service, environment) + path, timeout=10) as response:
        return response.read().decode()


def expect(held, sentence):
    if not held:
        raise AssertionError(sentence)


def test_both_services_answer(environment, sha):
    running = {
        service: json.loads(get(environment, service, "/version"))["sha"]
        for service in places.SERVICES
    }
    # Production may run a plan of one service, and goes back to older commits.
    wrong = {s: v[:7] for s, v in running.items() if environment == "staging" and v != sha}
    expect(not wrong, f"expected {sha[:7]} everywhere, but {wrong}")


def test_frontend_gets_the_api_it_needs(environment, sha):
    needed = json.loads(get(environment, "frontend", "/version"))["needs_backend_api"]
    offered = json.loads(get(environment, "backend", "/version"))["api"]
    expect(offered >= needed, f"the frontend needs API {needed}, the backend offers {offered}")


def test_home_page_lists_every_product(environment, sha):
    expected = json.loads(get(environment, "backend", "/api/status"))["products_for_sale"]
    listed = len(PRODUCT.findall(get(environment, "frontend", "/")))
    expect(listed == expected, f"{expected} products are for sale, the home page lists {listed}")


def test_every_product_has_a_price(environment, sha):
    products = json.loads(get(environment, "backend", "/api/products"))
    free = [p["name"] for p in products if p["price_cents"] <= 0]
    expect(products and not free, f"no price: {free}" if free else "the backend lists nothing")


def test_search_finds_a_product_by_name(environment, sha):
    name = json.loads(get(environment, "backend", "/api/products"))[0]["name"]
    found = PRODUCT.findall(get(environment, "frontend", f"/?search={quote(name)}"))
    expect(found, f"searching for {name!r} finds nothing")


def run(test, environment, sha):
    try:
        test(environment, sha)
    except AssertionError as failure:
        return str(failure)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return None


def main(environment, sha, folder=None):
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    suite = ElementTree.Element("testsuite", name=f"shop {environment}", tests=str(len(tests)))
    failed = 0
    for test in tests:
        began = time.monotonic()
        failure = run(test, environment, sha)
        failed += failure is not None
        sys.stdout.write(f"{'FAILED' if failure else 'passed'} {test.__name__}\n")
        took = f"{time.monotonic() - began:.3f}"
        case = ElementTree.SubElement(suite, "testcase", name=test.__name__, time=took)
        case.set("classname", "e2e")
        if failure:
            sys.stdout.write(f"  {failure}\n")
            ElementTree.SubElement(case, "failure", message=failure).text = failure
    suite.set("failures", str(failed))
    if folder is not None:
        ElementTree.ElementTree(suite).write(Path(folder) / "junit.xml", encoding="unicode")
    sys.stdout.write(f"{len(tests) - failed} passed, {failed} failed on {environment}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in places.ENVIRONMENTS:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
