# A static binary and the few commands that self-hosted runners in Kubernetes mode need.

FROM rust:1.95-alpine AS build
# Alpine keeps one version of a package per release, so a pin here would only break later.
# hadolint ignore=DL3018
RUN apk add --no-cache busybox-static musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY tests/simulated-github tests/simulated-github
COPY src src
RUN cargo build --release --locked --bin redeliver-webhooks
# In Kubernetes mode the runner starts the image with `tail -f /dev/null`, copies the work folder in and compares it
# (`tar`, `find`, `stat`, `chmod`, `mkdir`), and runs a script (`sh`, `rm`, `mv`, `env`).
ARG BUSYBOX_COMMANDS="chmod env find mkdir mv rm sh stat tail tar"
# `/out` becomes the root of the image.
RUN mkdir -p /out/bin \
    && cp target/release/redeliver-webhooks /out/ \
    && cp /bin/busybox.static /out/bin/busybox \
    && for command in $BUSYBOX_COMMANDS; do ln -s busybox "/out/bin/$command" || exit 1; done

FROM scratch
# MIT is for this program, GPL-2.0 for BusyBox. A release adds source, version and commit.
LABEL org.opencontainers.image.title="redeliver-webhooks" \
      org.opencontainers.image.description="Finds failed webhook deliveries, asks GitHub to redeliver them, and reports the outcome" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-only"
COPY --from=build /out/ /
# No USER: the runner's user owns the files that an action writes. No WORKDIR: the runner sets it.
ENTRYPOINT ["/redeliver-webhooks"]
