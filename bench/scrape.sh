#!/usr/bin/env bash
# What /metrics costs: bench/scrape.sh [FUNCTIONS [ROUNDS [MODE]]]. Deploys 1,000 functions, calls each once, and shows how
# long a scrape takes (median, least and most of ROUNDS), how large it is, and what callers of one function wait meanwhile:
# calls with 8 connections while nobody scrapes, and while somebody does ten times a second, in turns.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
functions=${1:-1000} rounds=${2:-20} mode=${3:-none}
source "$root/bench/lib/host.sh"
trap host_cleanup EXIT

scrape() {
    curl -sS --unix-socket "$NIGHTWARD_STATE/admin.sock" -o "$HOST_WORK/metrics" -w '%{time_total} %{size_download}\n' \
        http://nightward/metrics
}

# Runs until it is killed.
scrape_often() {
    while :; do
        scrape >/dev/null
        sleep 0.1
    done
}

load() {
    "$NW_BUILD/bench/many_load" "${HOST_URL#http://}" 1 turn 8 1
}

host_up "$mode" --workers 1..8
"$NW_BUILD/bench/deploy_many" "$NIGHTWARD_STATE/admin.sock" 0 "$functions" 4 slots=1 >/dev/null
"$NW_BUILD/bench/many_load" "${HOST_URL#http://}" "$functions" turn 4 120 once >/dev/null
scrape >/dev/null
for ((i = 0; i < rounds; i++)); do
    scrape
done | sort -n | awk -v functions="$(grep -c '^nightward_function_memory_bytes' "$HOST_WORK/metrics")" \
    '{ ms[NR] = $1 * 1000; bytes = $2 }
     END { printf "scrape: %d functions, %.1f ms [%.1f .. %.1f], %.1f MB\n", functions, ms[int((NR + 1) / 2)], ms[1], ms[NR],
           bytes / 1e6 }'
load >/dev/null
for ((i = 0; i < 3; i++)); do
    echo "alone:  $(load)"
    scrape_often &
    scraper=$!
    echo "beside: $(load)"
    kill "$scraper"
    wait "$scraper" 2>/dev/null || true
done
