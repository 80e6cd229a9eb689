# PostgreSQL under Patroni. The context is the root of the checkout.
FROM postgres:18-bookworm
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/patroni \
    && /opt/patroni/bin/pip install --no-cache-dir --disable-pip-version-check \
        "patroni[etcd3,psycopg3]>=4,<5" "psycopg[binary]>=3.2,<4"
COPY deploy/container/create-role.sh deploy/ha/start-patroni.sh deploy/ha/patroni.yml /etc/patroni/
ENV PATH=/opt/patroni/bin:$PATH
# postgres, as that image numbers it
USER 999:999
EXPOSE 5432 8008
ENTRYPOINT ["sh", "/etc/patroni/start-patroni.sh"]
