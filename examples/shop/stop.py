"""End every program of the shop: python3 stop.py."""

import sys

import places
import programs

if __name__ == "__main__":
    for service, environment in places.TARGETS:
        if programs.stop(service, environment):
            sys.stdout.write(f"stopped {service} on {environment}\n")
