# A static binary, and the few commands that self-hosted runners in Kubernetes mode need: nothing else.

FROM rust:1.95-alpine AS build
# Alpine keeps one version of a package per release, so a pin here would only break later.
# hadolint ignore=DL3018
RUN apk add --no-cache busybox-static musl-dev \
    && rustup component add rust-src
# The standard library is compiled for size like the rest, without what finds lines of source for backtraces: there is no
# debug information to find them in. RUSTC_BOOTSTRAP lets this stable Rust do so. At a fixed address nothing has to be
# relocated, functions with a frame pointer take less to tell how they are unwound, paths of sources are cut short, and
# nothing but what is tiny or marked for it is inlined.
ENV RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-Crelocation-model=static -Cforce-frame-pointers=yes -Cllvm-args=-inline-threshold=10 -Cllvm-args=-inlinehint-threshold=2000" \
    CARGO_UNSTABLE_BUILD_STD="std,panic_unwind" \
    CARGO_UNSTABLE_BUILD_STD_FEATURES="panic-unwind,optimize_for_size" \
    CARGO_UNSTABLE_TRIM_PATHS=true \
    CARGO_PROFILE_RELEASE_TRIM_PATHS=object
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY tests/simulated-github tests/simulated-github
# The dependencies by themselves, so that a change in `src` does not build them again.
RUN mkdir src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bin redeliver-webhooks --target "$(rustc --print host-tuple)"
COPY src src
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin redeliver-webhooks --target "$(rustc --print host-tuple)"
# In Kubernetes mode the runner starts the image with `tail -f /dev/null`, copies the work folder in and compares it
# (`tar`, `find`, `stat`, `chmod`, `mkdir`), and then runs a script (`sh`, `rm`, `mv`, `env`).
ARG BUSYBOX_COMMANDS="chmod env find mkdir mv rm sh stat tail tar"
# `/out` is the root of the image, to the last file.
RUN mkdir -p /out/bin \
    && cp target/*/release/redeliver-webhooks /out/ \
    && cp /bin/busybox.static /out/bin/busybox \
    && for command in $BUSYBOX_COMMANDS; do ln -s busybox "/out/bin/$command" || exit 1; done

FROM scratch
# MIT is this program, GPL-2.0 is BusyBox. A release adds where the source is, which version and which commit.
LABEL org.opencontainers.image.title="redeliver-webhooks" \
      org.opencontainers.image.description="Finds failed webhook deliveries, asks GitHub to redeliver them, and reports the outcome" \
      org.opencontainers.image.licenses="MIT AND GPL-2.0-only"
COPY --from=build /out/ /
# No USER: the files the runner gives an action to write belong to the runner's user. No WORKDIR: the runner sets it.
ENTRYPOINT ["/redeliver-webhooks"]
