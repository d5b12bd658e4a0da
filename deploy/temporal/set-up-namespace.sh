#!/bin/sh
# Makes the namespace, with histories kept for 30 days, and the search attributes that workflows carry.
set -eu
attempts=0
until temporal operator cluster health > /dev/null; do
  attempts=$((attempts + 1))
  if [ "$attempts" -ge 30 ]; then
    echo "Temporal at $TEMPORAL_ADDRESS did not become healthy." >&2
    exit 1
  fi
  sleep 2
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" > /dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d

# A new namespace reaches the server's caches within some seconds; until then it is reported as unknown.
attempts=0
until known=$(temporal operator search-attribute list 2> /dev/null); do
  attempts=$((attempts + 1))
  if [ "$attempts" -ge 30 ]; then
    echo "Namespace $TEMPORAL_NAMESPACE did not become visible." >&2
    exit 1
  fi
  sleep 2
done

for name in PerdureWorkspace PerdureAgent PerdureConversation PerdureDocument PerdureEvaluation PerdureStatus; do
  case "$known" in
    *"$name"*) ;;
    *) temporal operator search-attribute create --name "$name" --type Keyword ;;
  esac
done
