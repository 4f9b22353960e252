"""Counts the runs of `size` words in a file of one word a line, and writes the commonest."""

import json
import os

from lib.runs import runs

with open(os.environ["RODADA_STAGE"], encoding="utf-8") as file:
    stage = json.load(file)
with open(stage["deps"]["words"], encoding="utf-8") as file:
    words = file.read().split()
with open(stage["deps"]["stop"], encoding="utf-8") as file:
    stop = set(file.read().split())

counts = runs([word for word in words if word not in stop], stage["matrix"]["size"])
with open(stage["outs"]["table"], "w", encoding="utf-8") as file:
    # Ties in alphabetical order, so that the same words give the same bytes.
    for run, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: stage["params"]["count"]["top"]]:
        file.write(f"{run},{count}\n")
with open(stage["outs"]["summary"], "w", encoding="utf-8") as file:
    json.dump({"words": len(words), "different": len(counts)}, file)
    file.write("\n")
