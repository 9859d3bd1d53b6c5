#!/bin/sh
# A hook (docs/hooks.md) that gives Postfix the certificate: smtpd_tls_chain_files = /etc/postfix/tls.pem
set -eu
umask 077
cat "$GATEHOUSE_KEY" "$GATEHOUSE_CHAIN" >/etc/postfix/tls.pem.new
mv /etc/postfix/tls.pem.new /etc/postfix/tls.pem
postfix reload
