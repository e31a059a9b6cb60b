# RocketPy with the folders, commands, ports and user of the image apache/rocketmq:4.5.2 (docs/operating/containers.md):
#   docker build -t rocketpy .
FROM debian:trixie-slim AS build

RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev zlib1g-dev python3 python3-dev python3-venv \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY setup.py pyproject.toml MANIFEST.in README.md LICENSE NOTICE ./
COPY rocketpy/ rocketpy/

# The environment is made where it will stand: its scripts hold their path.
RUN python3 -m venv /home/rocketmq/rocketmq-4.5.2/.venv \
 && /home/rocketmq/rocketmq-4.5.2/.venv/bin/python -m pip install --no-cache-dir . \
 && /home/rocketmq/rocketmq-4.5.2/.venv/bin/python -m pip uninstall -y pip \
 && find /home/rocketmq -name '*.so' -exec strip --strip-unneeded {} +


FROM debian:trixie-slim

ARG user=rocketmq
ARG group=rocketmq
ARG uid=3000
ARG gid=3000

# Bytecode is there already. HOME is each user's own, as in the official image: root's store is /root/store.
ENV ROCKETMQ_VERSION=4.5.2 \
    ROCKETMQ_HOME=/home/rocketmq/rocketmq-4.5.2 \
    PATH=/home/rocketmq/rocketmq-4.5.2/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1

RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd -g ${gid} ${group} \
 && useradd -l -u ${uid} -g ${gid} -d /home/rocketmq -M -s /bin/sh ${user}

COPY --from=build /home/rocketmq/rocketmq-4.5.2/.venv/ /home/rocketmq/rocketmq-4.5.2/.venv/
COPY bin/ /home/rocketmq/rocketmq-4.5.2/bin/
COPY docker/docker-entrypoint.sh /home/rocketmq/rocketmq-4.5.2/bin/
COPY conf/ /home/rocketmq/rocketmq-4.5.2/conf/
COPY LICENSE NOTICE README.md /home/rocketmq/rocketmq-4.5.2/

# What is written belongs to the user, and to group 0 as well: OpenShift gives a uid of its own in that group.
# /opt/rocketmq-4.5.2 is where some compose files mount their broker.conf.
RUN mkdir -p /home/rocketmq/store /home/rocketmq/logs /home/rocketmq/namesrv \
 && chown -R ${uid}:0 /home/rocketmq/store /home/rocketmq/logs /home/rocketmq/namesrv /home/rocketmq/rocketmq-4.5.2/conf \
 && chmod -R g=u /home/rocketmq/store /home/rocketmq/logs /home/rocketmq/namesrv /home/rocketmq/rocketmq-4.5.2/conf \
 && chown ${uid}:0 /home/rocketmq && chmod 775 /home/rocketmq \
 && ln -s /home/rocketmq/rocketmq-4.5.2 /opt/rocketmq-4.5.2

EXPOSE 9876 10909 10911 10912

USER ${user}
WORKDIR /home/rocketmq/rocketmq-4.5.2/bin

# Alive: each server that runs in the container answers over one of its own ports, whichever they are.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 \
  CMD ["/home/rocketmq/rocketmq-4.5.2/.venv/bin/rocketpy", "health"]

ENTRYPOINT ["/home/rocketmq/rocketmq-4.5.2/bin/docker-entrypoint.sh"]
