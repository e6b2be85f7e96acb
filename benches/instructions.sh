#!/usr/bin/env bash
# Instructions that git-comfy executes for a fixed set of calls, counted by callgrind, against
# those that are kept for this kind of processor. They do not depend on how busy the machine is.
#
# benches/instructions.sh PROGRAM          counts; fails if a count grew by more than 5 percent
# benches/instructions.sh PROGRAM --write  counts and keeps the figures
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$(realpath "${1:?which program}")
mode=${2:-check}
command -v valgrind >/dev/null || {
	echo "there is no valgrind; instructions are not counted" >&2
	exit 3
}

# What the code chooses its way by: valgrind shows programs the processor's features.
class=$(uname -m)
grep -qsw avx2 /proc/cpuinfo && class+=-avx2
grep -qsw sha_ni /proc/cpuinfo && class+=-sha
# The gate counts the program that the tests have just built.
[ "$(basename "$(dirname "$program")")" != debug ] || class+=-debug
kept=$PWD/benches/instructions.$class.tsv

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C

# Runs in a folder that is no repository, with the file as standard input.
count() {
	local name=$1 input=$2
	shift 2
	(cd "$scratch" && valgrind --tool=callgrind --callgrind-out-file="$scratch/out" \
		"$program" "$@" <"$input" >/dev/null 2>"$scratch/log") || {
		case $? in
		1) ;; # two files differ
		*) cat "$scratch/log" >&2 && exit 2 ;;
		esac
	}
	printf '%s\t%s\t%s\n' "$name" \
		"$(sed -n 's/^.*Collected : \([0-9]*\).*/\1/p' "$scratch/log")" "$(wc -c <"$input")"
}

# A workflow as ComfyUI's Export writes it, with prompts, values, links and a group.
workflow() {
	awk -v steps="$1" 'BEGIN {
		nodes = 400
		printf "{\n  \"last_node_id\": %d,\n  \"last_link_id\": %d,\n  \"nodes\": [", nodes, nodes
		for (n = 1; n <= nodes; n++) {
			class = n % 3 ? "CLIPTextEncode" : "KSampler"
			printf "%s\n    {\n      \"id\": %d,\n      \"type\": \"%s\",\n", (n > 1 ? "," : ""), n, class
			printf "      \"pos\": [\n        %d.125,\n        %d\n      ],\n", n * 450, n % 7 * 200
			printf "      \"size\": [\n        425,\n        180\n      ],\n      \"flags\": {},\n"
			printf "      \"order\": %d,\n      \"mode\": 0,\n      \"inputs\": [\n        {\n", n
			printf "          \"name\": \"in\",\n          \"type\": \"X\",\n          \"link\": %s\n", (n > 1 ? n - 1 : "null")
			printf "        }\n      ],\n      \"outputs\": [\n        {\n          \"name\": \"OUT\",\n"
			printf "          \"type\": \"X\",\n          \"links\": [%s]\n        }\n      ],\n", (n < nodes ? n : "")
			printf "      \"properties\": {\n        \"Node name for S&R\": \"%s\",\n        \"cnr_id\": \"comfy-core\",\n        \"ver\": \"0.3.40\"\n      },\n", class
			if (n % 3) printf "      \"widgets_values\": [\n        \"a picture of thing %d, very detailed, \\\"sharp\\\", evening light\"\n      ]\n    }", n
			else printf "      \"widgets_values\": [\n        %d,\n        \"randomize\",\n        %d,\n        7.5,\n        \"euler\",\n        \"normal\",\n        1\n      ]\n    }", n * 7919, n == 300 ? steps : 20
		}
		printf "\n  ],\n  \"links\": ["
		for (n = 1; n < nodes; n++) printf "%s\n    [\n      %d,\n      %d,\n      0,\n      %d,\n      0,\n      \"X\"\n    ]", (n > 1 ? "," : ""), n, n, n + 1
		printf "\n  ],\n  \"groups\": [\n    {\n      \"id\": 1,\n      \"title\": \"All\",\n      \"bounding\": [\n        0,\n        0,\n        9000,\n        2000\n      ],\n      \"color\": \"#3f789e\",\n      \"flags\": {}\n    }\n  ],\n"
		printf "  \"config\": {},\n  \"extra\": {\n    \"ds\": {\n      \"scale\": 1,\n      \"offset\": [\n        0,\n        0\n      ]\n    }\n  },\n  \"version\": 0.4\n}\n"
	}'
}

large=$scratch/large.json edited=$scratch/edited.json
workflow 20 >"$large"
workflow 21 >"$edited"
{
	count version /dev/null --version
	count clean "$large" clean
	"$program" clean <"$large" >"$scratch/cleaned.json"
	count arrange "$scratch/cleaned.json" smudge
	count diff "$large" diff "$large" "$edited"
	count inspect "$large" inspect "$large"
} >"$scratch/counts"

if [ "$mode" = --write ]; then
	cut -f1,2 "$scratch/counts" >"$kept"
fi
touch "$scratch/none"
[ -e "$kept" ] || echo "no figures are kept for $class" >&2
awk -F'\t' -v class="$class" '
	FILENAME == ARGV[1] { before[$1] = $2; next }
	FNR == 1 { printf "%-12s %14s %14s %8s %10s\n", "instructions", "now", "kept", "change", "per byte" }
	{
		change = ($1 in before) ? 100 * ($2 / before[$1] - 1) : 0
		printf "%-12s %14d %14s %+7.1f%% %10s\n", $1, $2, (($1 in before) ? before[$1] : "-"), change,
			($3 > 0 ? sprintf("%.1f", $2 / $3) : "")
		if (change > 5) grown = grown " " $1
	}
	END { if (grown) { print "grown by more than 5 percent:" grown > "/dev/stderr"; exit 1 } }
' "$([ -e "$kept" ] && echo "$kept" || echo "$scratch/none")" "$scratch/counts"
