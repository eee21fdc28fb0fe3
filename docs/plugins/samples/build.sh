#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# build.sh <prefix of fusebox> <folder> [c|c++|rust|go ...]: builds the sample plugins against an installed
# fusebox, into the folder, library and manifest side by side.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$1 out=$2
shift 2
mkdir -p "$out"

with_cmake() { # <folder> <id>
  cmake -S "$here/$1" -B "$out/build-$2" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$out/build-$2" >/dev/null
  cp "$out/build-$2/lib/fusebox/plugins/$2".* "$out"
}

for language in "${@:-c}"; do
  case $language in
    c) with_cmake c greeter ;;
    c++) with_cmake cpp webhook ;;
    rust)
      rustc --edition 2018 --crate-type cdylib -C opt-level=1 -o "$out/rusty.so" "$here/rust/rusty.rs"
      cp "$here/rust/rusty.fusebox.toml" "$out"
      ;;
    go)
      mkdir -p "$out/build-go"
      cp "$here"/go/* "$out/build-go"
      od -An -v -tu1 "$here/go/gopher.fusebox.toml" | sed 's/  *\([0-9]\)/,\1/g; 1s/^,//' >"$out/build-go/manifest.inc"
      # Go exports what C calls; the linker has the last word.
      (cd "$out/build-go" && CGO_ENABLED=1 CGO_CFLAGS="-I$prefix/include" GOFLAGS=-mod=mod GOTOOLCHAIN=local \
        go build -buildmode=c-shared -ldflags "-extldflags=-Wl,--version-script=$here/exports.map" -o "$out/gopher.so" .)
      rm -f "$out/gopher.h"
      cp "$here/go/gopher.fusebox.toml" "$out"
      ;;
    *)
      echo "build.sh: there is no sample in $language" >&2
      exit 2
      ;;
  esac
done
