"""Print the SHA that a target runs: python3 version.py <service> <environment>."""

import sys

import places
import programs

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in places.SERVICES:
        sys.exit(__doc__)
    running = programs.version(*sys.argv[1:])
    if running is None:
        sys.exit(f"{sys.argv[1]} on {sys.argv[2]} does not answer")
    sys.stdout.write(running + "\n")
