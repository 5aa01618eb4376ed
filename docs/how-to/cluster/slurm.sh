#!/usr/bin/env bash
# One array of workers that join a head, not a job a student: docs/how-to/cluster.md says what was run of this.
#
#   sbatch --array=0-7 docs/how-to/cluster/slurm.sh
#
# from a shell in which `grader` and `ray` are on PATH. Task 0 is head and driver and takes no work; each other one
# is a node. Those that start late join late, and one that reaches its time limit is a lost node: its jobs go
# elsewhere. Started again, the same script goes on.
#SBATCH --job-name=grader
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=08:00:00
#SBATCH --signal=B:TERM@120
set -euo pipefail
: "${GRADER_CLASS:?folder with the hand-ins}" "${GRADER_OUT:?folder for the reports}"
: "${GRADER_OBJECTS:?folder on a file system that all nodes see}"
# Another array may have its head on the same machine.
port=$((20000 + SLURM_ARRAY_JOB_ID % 10000))
# A folder of the job that only its owner reads: the address of the head, and the token of the cluster.
place="$GRADER_OBJECTS/.ray-$SLURM_ARRAY_JOB_ID"
export RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$place/token"

if [ "$SLURM_ARRAY_TASK_ID" = 0 ]; then
  mkdir -p -m 700 "$place"
  (umask 077 && python3 -c 'import secrets; print(secrets.token_hex(32), end="")' > "$place/token")
  # As Ray finds it: the name of a machine often leads to its loopback alone.
  address=$(python3 -c 'import ray.util; print(ray.util.get_node_ip_address())')
  ray start --head --node-ip-address="$address" --port="$port" --num-cpus=0 --include-dashboard=false --block &
  head=$!
  # Not `ray stop`, which ends whatever else of Ray runs on this machine. Nodes that have not begun never need to.
  nodes="${SLURM_ARRAY_JOB_ID}_[1-$SLURM_ARRAY_TASK_MAX]"
  trap 'scancel "$nodes" || true; kill $(jobs -p) || true; wait; rm -rf "$place"' EXIT
  trap 'exit 143' TERM
  until (: < "/dev/tcp/$address/$port") 2> /dev/null; do kill -0 "$head"; sleep 1; done
  echo "$address" > "$place/head.part" && mv "$place/head.part" "$place/head"
  grader doctor --backend "ray://$address:$port" || true
  grader batch "$GRADER_CLASS" -o "$GRADER_OUT" --objects "$GRADER_OBJECTS" --quiet \
    --backend "ray://$address:$port" &
  wait $!
else
  until [ -s "$place/head" ]; do sleep 5; done
  # Until the head is gone; again where a busy machine took longer than the half minute that Ray gives a node.
  while [ -s "$place/head" ]; do
    ray start --address="$(cat "$place/head"):$port" --num-cpus="$SLURM_CPUS_PER_TASK" --block || sleep 5
  done
fi
