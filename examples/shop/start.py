"""Start every program at what was deployed last, or else at a commit: python3 start.py <sha>."""

import sys

import deploy
import places
import programs

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for service, environment in places.TARGETS:
        deploy.deploy(service, environment, programs.deployed(service, environment) or sys.argv[1])
