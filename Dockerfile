# The application's stores, the health server and the commands, for any container runtime.
#   docker build -t aragora-sql .
#   docker build -t aragora-sql --build-arg EXTRAS=server,encryption .
ARG PYTHON_VERSION=3.13

FROM python:${PYTHON_VERSION}-slim-bookworm AS build
ARG EXTRAS=server,encryption,schedules,aws
WORKDIR /src
COPY pyproject.toml README.md .sqlfluff hatch_build.py ./
COPY aragora_sql/ aragora_sql/
COPY sql/ sql/
# Into an environment of its own, which is all that the image takes over.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check ".[${EXTRAS}]"

FROM python:${PYTHON_VERSION}-slim-bookworm
RUN groupadd --gid 10001 aragora \
    && useradd --uid 10001 --gid 10001 --no-log-init --create-home \
        --home-dir /var/lib/aragora --shell /usr/sbin/nologin aragora
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/aragora
COPY scripts/init_postgres_db.py scripts/migrate_sqlite_to_supabase.py scripts/
COPY deploy/container/healthcheck.py ./
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ARAGORA_DATA_DIR=/var/lib/aragora
USER 10001:10001
VOLUME ["/var/lib/aragora"]
EXPOSE 8080
# Whether the process lives. Whether it can serve (/readyz) is what compose.yaml and a load balancer ask.
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 \
    CMD ["python", "healthcheck.py", "/healthz"]
CMD ["python", "-m", "aragora_sql.server", "--host", "0.0.0.0", "--port", "8080", "--wait"]
