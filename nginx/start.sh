#!/bin/sh
# Writes what depends on the machine, runs nginx, and has it read again when a service's addresses or the certificate
# change: a container that is started again, or one replica more, is found within seconds.
set -eu

run=/tmp/reelsense
configuration=/etc/nginx/reelsense/nginx.conf
tls=/etc/nginx/tls
: "${GATE_USER:=admin}"

upstreams() {
  for service in ui:8501 api:8000 mlflow:5000 airflow-api:8080; do
    name=${service%:*}
    port=${service#*:}
    found=$(getent ahostsv4 "$name" | awk '{print $1}' | sort -u)
    echo "upstream $name {"
    # Where nobody listens: an unknown name would keep nginx from starting, this gets the page for 502.
    [ -n "$found" ] || echo "  server 127.0.0.1:9;"
    for address in $found; do
      echo "  server $address:$port max_fails=1 fail_timeout=2s;"
    done
    echo "  keepalive 32;"
    echo "}"
  done
}

server() {
  if [ -r $tls/fullchain.pem ] && [ -r $tls/privkey.pem ]; then
    # The sum makes a renewed certificate, or key, a change.
    echo "# $(cat $tls/fullchain.pem $tls/privkey.pem | openssl dgst -sha256)"
    echo "include /etc/nginx/reelsense/https.conf;"
  else
    echo "include /etc/nginx/reelsense/http.conf;"
  fi
}

gate() {
  echo "$GATE_USER:$(printf '%s\n' "$GATE_PASSWORD" | openssl passwd -6 -stdin)"
}

if [ -z "${GATE_PASSWORD:-}" ]; then
  echo "nginx: set GATE_PASSWORD: without it MLflow would be open to everybody." >&2
  exit 2
fi
mkdir -p $run
gate >$run/gate
upstreams >$run/upstreams.conf
server >$run/server.conf
if [ "${TLS:-auto}" = required ] && ! grep -q https.conf $run/server.conf; then
  echo "nginx: TLS=required, but $tls/fullchain.pem and $tls/privkey.pem can't be read." >&2
  exit 2
fi
if [ "${1:-}" = check ]; then
  exec nginx -t -c $configuration
fi

nginx -c $configuration -g "daemon off;" &
nginx=$!
trap 'kill -QUIT $nginx; wait $nginx; exit 0' TERM INT QUIT

changed=
while kill -0 $nginx 2>/dev/null; do
  sleep 2 &
  wait $! || true
  for part in upstreams server; do
    $part >$run/$part.new
    cmp -s $run/$part.new $run/$part.conf || changed=yes
    mv $run/$part.new $run/$part.conf
  done
  # What nginx refuses is tried again: of a renewed certificate the key may come a moment later.
  if [ "$changed" ] && nginx -t -q -c $configuration; then
    kill -HUP $nginx
    changed=
  fi
done
wait $nginx
