#!/usr/bin/env bash
# A worker in bash, with nothing but bash: makes the SHA-256 of its input, in "seconds" if it says so.
# NATS_URL, NATS_TOKEN and WRIT_WORKER say where and under which name it takes work.
set -u
export LC_ALL=C
trap '' PIPE
name=${WRIT_WORKER:-digest-bash}
address=${NATS_URL:-nats://127.0.0.1:4222}
address=${address#*://}
inbox="_INBOX.bash.$$.$RANDOM$RANDOM" asked=0 made=$(mktemp)
next="\$JS.API.CONSUMER.MSG.NEXT.WRIT_WORKERS.worker-$name"

publish() { printf 'PUB %s %s %d\r\n%s\r\n' "$1" "$3" "${#2}" "$2" >&3; } # subject, body, reply to

connect() {
  until sleep 0.5 && exec 3<>"/dev/tcp/${address%:*}/${address##*:}"; do :; done 2>/dev/null
  printf 'CONNECT {"verbose":false,"name":"%s"%s}\r\nSUB %s.> 1\r\n' "$name" \
    "${NATS_TOKEN:+,\"auth_token\":\"$NATS_TOKEN\"}" "$inbox" >&3
}

# The next message, as subject, reply and body, within so many seconds; connects again when cut off.
receive() {
  local line words
  while true; do
    if ! IFS= read -r -t "$1" -u 3 line; then
      (($? > 128)) || connect
      return 1
    fi
    case $line in
      PING*) printf 'PONG\r\n' >&3 ;;
      MSG*)
        read -ra words <<<"${line%$'\r'}"
        subject=${words[1]} reply=
        ((${#words[@]} < 5)) || reply=${words[3]}
        IFS= read -r -N $((words[-1] + 2)) -u 3 body || return 1
        body=${body%$'\r\n'}
        return 0 ;;
    esac
  done
}

# Says this about the work, so often at most, until it is answered. True when it is answered with ok.
say() {
  local try
  for ((try = 0; try < $2; try++)); do
    asked=$((asked + 1))
    publish "$replyTo" "{\"token\":\"$token\",\"worker\":\"$worker\",$1}" "$inbox.a$asked"
    while receive 3; do
      [[ $subject == "$inbox.a$asked" && $body == *'"ok":'* ]] || continue
      [[ $body == *'"ok":true'* ]]
      return
    done
  done
  return 1
}

work() {
  local input=${body#*\"input\":} seconds=0
  [[ $input =~ \"seconds\":([0-9]+) ]] && seconds=${BASH_REMATCH[1]}
  (sleep "$seconds" && printf %s "${input%\}}" | sha256sum >"$made") &
  while kill -0 $! 2>/dev/null; do
    say '"kind":"heartbeat"' 20 || { kill $!; return; } # it is cancelled
    sleep 0.2
  done
  say "\"kind\":\"result\",\"outcome\":\"success\",\"message\":\"made a digest\",\"artifacts\":[{\"path\":\"digest\",\"content\":\"$(base64 -w0 <"$made")\"}]" 20
}

connect
while true; do
  publish "$next" '{"batch":1,"expires":4000000000}' "$inbox.next"
  receive 5 && [[ $body =~ \"token\":\"([^\"]+)\" ]] || { sleep 0.1; continue; }
  token=${BASH_REMATCH[1]} worker=bash-$$-$RANDOM acknowledge=$reply
  [[ $body =~ \"replyTo\":\"([^\"]+)\" ]] && replyTo=${BASH_REMATCH[1]}
  handed=$body
  if [[ $handed != *'"protocol":1,'* ]]; then say '"kind":"refused","reason":"it speaks protocol 1"' 2
  elif say '"kind":"accepted"' 2; then publish "$acknowledge" +ACK ''; body=$handed; work; continue; fi
  publish "$acknowledge" +ACK ''
done
