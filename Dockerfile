# gatehouse on Debian 13, built by ./dev image; docs/container.md tells how to use it.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
WORKDIR /src
# What changes seldom comes first, so that an engine keeps it: packages, BoringSSL, llhttp.
COPY tools/packages.sh tools/private_apt.sh tools/deps.sh tools/
COPY cmake/boringssl cmake/boringssl
RUN tools/packages.sh build && tools/deps.sh
COPY . .
RUN --mount=type=cache,target=/root/.cache/ccache \
    tools/build.sh release gatehouse && llvm-strip-19 -o /gatehouse build/release/gatehouse

FROM ${BASE}
# The libraries that gatehouse is linked with, the roots that it trusts, and a user of its own, under
# a number that is free everywhere and that orchestrators can be told.
RUN apt-get -q update \
 && apt-get -y -q --no-install-recommends install \
      ca-certificates libfmt10 libidn2-0 libnghttp2-14 libpsl5t64 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && groupadd --gid 65532 gatehouse \
 && useradd --uid 65532 --gid 65532 --no-create-home --home-dir /data \
      --shell /usr/sbin/nologin gatehouse \
 && install -d -o gatehouse -g gatehouse -m 0700 /data
COPY --from=build /gatehouse /usr/local/bin/gatehouse
COPY examples/container.jsonc /etc/gatehouse/gatehouse.json
ENV GATEHOUSE_DATA=/data
VOLUME /data
# Numbers, so that an orchestrator sees that it is not root. The file has no capability either: container
# engines let anybody bind 80 and 443 (net.ipv4.ip_unprivileged_port_start=0 in their network), and a
# capability on the file would keep it from starting where all capabilities are dropped.
USER 65532:65532
EXPOSE 80 443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["gatehouse", "healthcheck", "--config", "/etc/gatehouse/gatehouse.json"]
LABEL org.opencontainers.image.title="gatehouse" \
      org.opencontainers.image.description="Reverse proxy that gets its certificates by itself"
# That it starts proves that every library which it needs is here.
RUN ["gatehouse", "version"]
ENTRYPOINT ["gatehouse"]
CMD ["run", "--config", "/etc/gatehouse/gatehouse.json"]
