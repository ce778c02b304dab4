# Two stages: what builds stays behind.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY bot ./bot
RUN /venv/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgres,redis]' \
    && /venv/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin rectask \
    && install --directory --owner rectask --group rectask /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER rectask
# For the database, where that is SQLite.
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(f'http://127.0.0.1:{os.environ.get(\"RECTASK_PORT\", 3000)}/healthz', timeout=4)"]
ENTRYPOINT ["rectask"]
CMD ["serve"]
