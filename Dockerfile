# valetkey in an image with nothing but itself: no shell, no package manager, its own user, and a
# file system that can be read-only.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The build of the allocator needs make.
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*

# `--build-arg GUIDED=true` builds what scripts/release builds for published artefacts, in three times as long.
ARG GUIDED=false

# The dependencies are a layer of their own, which a change of the sources does not rebuild. A guided build compiles
# them for its profile, so only their sources are kept. Cargo compares times: what it made of the empty sources goes,
# because the real ones may be older.
COPY Cargo.toml Cargo.lock ./
RUN sed -i '/^\[\[bench]]$/,/^$/d' Cargo.toml && mkdir src && touch src/lib.rs && echo 'fn main() {}' >src/main.rs \
    && if [ "$GUIDED" = true ]; then cargo fetch --locked; \
    else cargo build --release --locked && cargo clean --release --locked --package valetkey; fi

COPY . .
# The program, the libraries it names, and the certificates by which it knows providers.
RUN if [ "$GUIDED" = true ]; then scripts/release; else cargo build --release --locked; fi \
    && mkdir -p /image/etc/ssl/certs \
    && find target -path '*/release/valetkey' -exec cp {} /image/ \; \
    && ldd /image/valetkey | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory /image \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'hosts: files dns' >/image/etc/nsswitch.conf

FROM scratch
COPY --from=build /image /
USER 65532:65532

# Inside a container loopback is no use. Off loopback valetkey starts only when told who may mint, such
# as whoever has the key of VALETKEY__AUTH__KEYS__0__ID and …__SHA256; docs/access.md has all the ways.
ENV VALETKEY__SERVER__LISTEN=0.0.0.0:8081
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=2s CMD ["/valetkey", "healthcheck"]
ENTRYPOINT ["/valetkey"]
CMD ["serve"]
