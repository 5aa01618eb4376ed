#!/usr/bin/env bash
# One array of workers that join a head, not a job a student: docs/how-to/cluster.md says what was run of this.
#
#   sbatch --array=0-7 docs/how-to/cluster/slurm.sh
#
# Task 0 is head and driver and takes no work; each other one is a node. Those that start late join late, and one
# that reaches its time limit is a lost node: its jobs go elsewhere. Started again, the same script goes on.
#SBATCH --job-name=grader
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=08:00:00
set -euo pipefail
: "${GRADER_CLASS:?folder with the hand-ins}" "${GRADER_OUT:?folder for the reports}"
: "${GRADER_OBJECTS:?folder on a file system that all nodes see}"
port=6379
# A folder of the job that only its owner reads: the address of the head, and the token of the cluster.
place="$GRADER_OBJECTS/.ray-$SLURM_ARRAY_JOB_ID"
export RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$place/token"

if [ "$SLURM_ARRAY_TASK_ID" = 0 ]; then
  mkdir -p -m 700 "$place"
  (umask 077 && python3 -c 'import secrets; print(secrets.token_hex(32), end="")' > "$place/token")
  ray start --head --port="$port" --num-cpus=0 --include-dashboard=false
  trap 'ray stop; rm -rf "$place"' EXIT
  hostname --ip-address | cut -d " " -f 1 > "$place/head.part" && mv "$place/head.part" "$place/head"
  grader doctor --backend "ray://$(cat "$place/head"):$port" || true
  grader batch "$GRADER_CLASS" -o "$GRADER_OUT" --objects "$GRADER_OBJECTS" --quiet \
    --backend "ray://$(cat "$place/head"):$port"
else
  until [ -s "$place/head" ]; do sleep 5; done
  # Blocks until the head is gone, and with it the array ends.
  exec ray start --address="$(cat "$place/head"):$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block
fi
