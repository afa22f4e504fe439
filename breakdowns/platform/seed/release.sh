#!/bin/sh
# Packs the depot into one file, and has that file do a job outside of this folder.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir "$out/app"
cp -r depot "$out/app/depot"
python3 -m zipapp "$out/app" -m depot.app:App -o "$out/depot.pyz"
cd /
PYTHONPATH="$out/depot.pyz" python3 -B - <<'END'
from depot.app import App
from depot.clock import Clock

app = App({}, "key", Clock())
app.handler("greet", lambda payload: f"hello {payload['who']}")
print(app.command(app.sign_in("ada"), "submit greet who=world"))
app.tick()
assert app.results.find("job-1") == "hello world"
print("depot.pyz does its job")
END
