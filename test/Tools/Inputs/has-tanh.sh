#!/bin/sh
# Interesting (1) while the file holds a tanh.
grep -q mlc.tanh "$1" && exit 1
exit 0
