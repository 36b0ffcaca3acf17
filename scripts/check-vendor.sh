#!/bin/sh
# SPDX-License-Identifier: MIT
# Vendored files are what they are said to be.
exec "$(dirname "$0")/refresh-vendor.sh" --check
