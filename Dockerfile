# The negotiation server. Build and run:
#
#     docker build -t parlay .
#     docker run --rm -p 8001:8001 -e PARLAY_TOKEN=... parlay
#
# Without PARLAY_TOKEN anybody who can reach the port can play.

FROM python:3.12-slim AS build
WORKDIR /source
RUN python -m venv /opt/parlay
COPY pyproject.toml README.md LICENSE ./
COPY parlay_marl parlay_marl
COPY personas personas
RUN /opt/parlay/bin/pip install --no-cache-dir ".[server]"
# Compiles the rules into the image, once and for any processor, so that no container compiles or writes anything.
ENV NUMBA_CPU_NAME=generic
RUN /opt/parlay/bin/parlay cache build /opt/parlay/cache

FROM python:3.12-slim
RUN useradd --system --create-home --home-dir /home/parlay parlay
COPY --from=build /opt/parlay /opt/parlay
ENV PATH=/opt/parlay/bin:$PATH PYTHONUNBUFFERED=1 PARLAY_CACHE_DIR=/opt/parlay/cache NUMBA_CPU_NAME=generic
USER parlay
WORKDIR /home/parlay
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=90s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('ENV_PORT', '8001') + '/health', timeout=2)"]
CMD ["parlay", "serve", "--host", "0.0.0.0"]
