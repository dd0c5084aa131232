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
    # The fingerprint makes a renewed certificate a change.
    echo "# $(openssl x509 -noout -fingerprint -in $tls/fullchain.pem)"
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

while kill -0 $nginx 2>/dev/null; do
  sleep 2 &
  wait $! || true
  upstreams >$run/upstreams.new
  server >$run/server.new
  if ! cmp -s $run/upstreams.new $run/upstreams.conf || ! cmp -s $run/server.new $run/server.conf; then
    mv $run/upstreams.new $run/upstreams.conf
    mv $run/server.new $run/server.conf
    nginx -t -q -c $configuration && kill -HUP $nginx
  fi
done
wait $nginx
