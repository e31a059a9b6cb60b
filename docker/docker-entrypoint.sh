#!/bin/sh
# Entry of the image: `nameserver …`, `broker …`, NODE_ROLE=nameserver|broker, or any command, as `sh mqbroker -c …`.
# The server becomes process 1 and gets the signals of `docker stop` itself.

# A uid that the image does not know has / for a home.
[ "${HOME:-/}" != / ] || export HOME=/home/rocketmq

here=$(dirname -- "$(readlink -f -- "$0")")
case "${1:-}" in
  nameserver | broker) role=$1 ;;
  *) role=${NODE_ROLE:-} ;;
esac
case $role in
  nameserver) program=mqnamesrv ;;
  broker) program=mqbroker ;;
  *)
    [ $# -gt 0 ] && exec "$@"
    echo "give a command: sh mqnamesrv, or sh mqbroker -n <name server>:9876 -c <file>" >&2
    exit 255
    ;;
esac
# As in the official image the first word is the role, or stands for it; an option is none.
case "${1:-}" in
  '' | -*) ;;
  *) shift ;;
esac
exec "$here/$program" "$@"
