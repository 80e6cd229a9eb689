# PgBouncer in transaction mode. The context is the root of the checkout.
FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends pgbouncer postgresql-client \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/ha/pgbouncer.ini deploy/ha/start-pgbouncer.sh /etc/pgbouncer/
# nobody
USER 65534:65534
EXPOSE 6543
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s --retries=3 \
    CMD ["pg_isready", "-h", "127.0.0.1", "-p", "6543", "-U", "aragora"]
ENTRYPOINT ["sh", "/etc/pgbouncer/start-pgbouncer.sh"]
