# One image for every role: the command of the service says which worker it is.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv
WORKDIR /source
COPY requirements requirements
RUN python3 -m venv /opt/paramedic \
    && /opt/paramedic/bin/pip install --require-hashes -r requirements/build.txt \
    && /opt/paramedic/bin/pip install --require-hashes --no-build-isolation -r requirements/run.txt
COPY producers producers
COPY workers workers
RUN /opt/paramedic/bin/pip install --no-deps --no-build-isolation ./producers ./workers

FROM debian:12-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 git bubblewrap \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 paramedic \
    && install -d -o paramedic -m 0700 /var/lib/paramedic
COPY --from=build /opt/paramedic /opt/paramedic
ENV PATH=/opt/paramedic/bin:/usr/bin:/bin PYTHONUNBUFFERED=1
USER paramedic
CMD ["paramedic", "--help"]
