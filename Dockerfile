# heapdelta for batch work: docker build -t heapdelta .; docker run --rm -v "${PWD}:/work" heapdelta diff before.txt after.txt
# Never built yet: where it was written no Docker ran.
FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir 'maturin>=1.16,<2'
WORKDIR /src
COPY . .
RUN /opt/build/bin/maturin build --release --locked --interpreter python3 --compatibility linux --out /wheels

FROM python:3.13-slim-bookworm
# Fonts for charts: without one they have no text. DejaVu has no Chinese, Japanese or Korean: fonts-noto-cjk has.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels/*.whl /tmp/
RUN for wheel in /tmp/*.whl; do pip install --no-cache-dir "${wheel}[all]"; done && rm /tmp/*.whl && heapdelta doctor
RUN useradd --create-home analyst && install --directory --owner analyst /work
USER analyst
WORKDIR /work
ENTRYPOINT ["heapdelta"]
CMD ["--help"]
