#!/usr/bin/env python3
# Numbered and in capitals. Without flush the answers would wait for the end.
import sys

for number, line in enumerate(sys.stdin, 1):
    print(f"{number}: {line.rstrip().upper()}", flush=True)
