#!/bin/sh
# SPDX-License-Identifier: MIT
# cargo_build.sh SOURCE.rs OUTPUT CRATE...: builds a program that needs crates, from those that Debian packages, with no
# network.
set -eu
source=$(realpath "$1")
output=$2
directory=$output.cargo
shift 2
mkdir -p "$directory/.cargo"
printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n' \
	>"$directory/.cargo/config.toml"
{
	printf '[package]\nname = "program"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\ndebug = true\n'
	printf '[[bin]]\nname = "program"\npath = "%s"\n[dependencies]\n' "$source"
	printf '%s = "*"\n' "$@"
} >"$directory/Cargo.toml"
(cd "$directory" && cargo build --offline --release --quiet --target-dir target)
cp "$directory/target/release/program" "$output"
