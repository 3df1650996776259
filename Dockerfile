# valetkey in an image with nothing but itself: no shell, no package manager, its own user, and a
# file system that can be read-only.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The allocator is built with it.
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*

COPY . .
# It is built twice: to be watched at work, and for the ways that were seen.
RUN scripts/release

# The program, the libraries it names, and the certificates by which it knows providers.
RUN mkdir -p /image/etc/ssl/certs \
    && cp target/*/release/valetkey /image/ \
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
