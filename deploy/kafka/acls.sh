#!/bin/sh
# The rights of each role at the broker, and nothing more; docs/security.md says why.
#
#   BOOTSTRAP=kafka-1:9093 CONFIG=admin.properties deploy/kafka/acls.sh
#
# CONFIG holds the credentials of somebody who may alter ACLs, as for every tool of Kafka. Running
# it again changes nothing. The broker needs an authorizer and no allow.everyone.if.no.acl.found.
set -eu

: "${BOOTSTRAP:?give the brokers, host:port,host:port,...}"
: "${KAFKA_ACLS:=kafka-acls.sh}"

# Users; with mutual TLS what ssl.principal.mapping.rules makes of the certificate's name.
: "${WORKER:=hydrawatch-worker}" "${GATEWAY:=hydrawatch-gateway}"
: "${ENFORCEMENT:=hydrawatch-enforcement}" "${ANALYST:=hydrawatch-analyst}"
: "${ONCALL:=hydrawatch-oncall}" "${ADMIN:=hydrawatch-admin}"
: "${INTAKE:=hydrawatch-intake}" "${DIRECTORY:=hydrawatch-directory}"

# Names, as in the workers' environment.
# HYDRAWATCH_MODE=shadow gives the same users what a worker in shadow mode needs beside.
if [ "${HYDRAWATCH_MODE:-live}" = shadow ]; then
  : "${HYDRAWATCH_GROUP:=hydrawatch-shadow}"
  : "${HYDRAWATCH_DEAD_LETTERS_TOPIC:=hydrawatch.dead-letters.shadow.v1}"
  : "${HYDRAWATCH_STATE_TOPIC:=hydrawatch-state-shadow}"
fi
: "${HYDRAWATCH_GROUP:=hydrawatch}"
: "${HYDRAWATCH_REQUESTS_TOPIC:=hydrawatch.requests.v1}"
: "${HYDRAWATCH_ALERTS_TOPIC:=hydrawatch.alerts.v1}"
: "${HYDRAWATCH_SHADOW_TOPIC:=hydrawatch.alerts.shadow.v1}"
: "${HYDRAWATCH_CONTROL_TOPIC:=hydrawatch.control.v1}"
: "${HYDRAWATCH_DEAD_LETTERS_TOPIC:=hydrawatch.dead-letters.v1}"
: "${HYDRAWATCH_ACCOUNTS_TOPIC:=hydrawatch.accounts.v1}"
# What workers say to each other and to themselves: hydrawatch-handover, -evidence, -marks, ...
INTERNAL=hydrawatch-

requests=$HYDRAWATCH_REQUESTS_TOPIC alerts=$HYDRAWATCH_ALERTS_TOPIC
shadow=$HYDRAWATCH_SHADOW_TOPIC control=$HYDRAWATCH_CONTROL_TOPIC
letters=$HYDRAWATCH_DEAD_LETTERS_TOPIC

allow() {
  user=$1
  shift
  "$KAFKA_ACLS" --bootstrap-server "$BOOTSTRAP" ${CONFIG:+--command-config "$CONFIG"} \
    --add --allow-principal "User:$user" "$@"
}

# The worker reads what others say, writes what it says, and reads its own alerts after a restart,
# so that it repeats none. It creates no topic and never writes a request or a control event.
allow "$WORKER" --operation Read --topic "$requests" --topic "$control" \
  --topic "$alerts" --topic "$shadow" --group "$HYDRAWATCH_GROUP"
allow "$WORKER" --operation Write --topic "$alerts" --topic "$shadow" --topic "$letters"
allow "$WORKER" --operation Read --operation Write \
  --topic "$INTERNAL" --resource-pattern-type prefixed
# Kept state that newer pages have replaced is deleted; nothing else may be.
allow "$WORKER" --operation Delete --topic "${HYDRAWATCH_STATE_TOPIC:-hydrawatch-state}"
# Only to see that no topic of its own is compacted, which would delete events.
allow "$WORKER" --operation DescribeConfigs --topic "$requests" --topic "$control" \
  --topic "$alerts" --topic "$shadow" --topic "$letters"
allow "$WORKER" --operation DescribeConfigs --topic "$INTERNAL" --resource-pattern-type prefixed

# A gateway says what was asked of the model, and reads nothing.
allow "$GATEWAY" --operation Write --topic "$requests"

# The intake does so for gateways that speak otherwise. It reads what is known of accounts, and tells of
# records that it could not read. Topics for `hydrawatch intake topic` to read: INTAKE_SOURCES="a b".
allow "$INTAKE" --operation Write --topic "$requests" --topic "$letters"
allow "$INTAKE" --operation Read --topic "$HYDRAWATCH_ACCOUNTS_TOPIC"
allow "$INTAKE" --operation Read --group hydrawatch-intake --resource-pattern-type prefixed
for source in ${INTAKE_SOURCES:-}; do
  allow "$INTAKE" --operation Read --topic "$source"
done

# The platform says what is known of accounts. It reads nothing back.
allow "$DIRECTORY" --operation Write --topic "$HYDRAWATCH_ACCOUNTS_TOPIC"

# Enforcement acts on live alerts. It does not see the shadow's, which nobody may act on.
allow "$ENFORCEMENT" --operation Read --topic "$alerts" --group hydrawatch-enforcement

# Analysts read alerts of both kinds and answer on the control topic. They see no request.
allow "$ANALYST" --operation Read --topic "$alerts" --topic "$shadow"
allow "$ANALYST" --operation Write --topic "$control"

# On-call alone reads records that were set aside, which may hold what no other topic may, and
# sends them back once the cause is mended.
allow "$ONCALL" --operation Read --topic "$letters"
allow "$ONCALL" --operation Write --topic "$requests"

# Whoever creates and configures the topics reads and writes none.
allow "$ADMIN" --operation Create --operation Describe --operation DescribeConfigs \
  --operation AlterConfigs --topic hydrawatch --resource-pattern-type prefixed
