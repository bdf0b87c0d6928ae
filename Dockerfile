FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/deploybot \
 && /opt/deploybot/bin/pip install --require-hashes --only-binary :all: -r requirements.lock
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements-build.lock
COPY pyproject.toml LICENSE ./
COPY app app
COPY tools tools
COPY prompts prompts
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /opt/build/dist . \
 && /opt/deploybot/bin/pip install --no-deps --no-index /opt/build/dist/*.whl

FROM python:3.12-slim
COPY --from=build /opt/deploybot /opt/deploybot
RUN useradd --uid 10001 --home-dir /data --create-home deploybot
ENV PATH=/opt/deploybot/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000
# deploybot.toml is read from here, and without REDIS_URL the embedded server keeps its data here.
WORKDIR /data
VOLUME /data
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
CMD ["deploybot", "serve"]
