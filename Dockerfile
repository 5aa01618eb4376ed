# grader in a container: an unprivileged user, bubblewrap, torch for CPUs, fonts for figures.
# docs/how-to/container.md says how to run it, and how it was tried.
FROM debian:bookworm-slim

RUN apt-get update \
 && apt-get install --yes --no-install-recommends \
      bubblewrap ca-certificates fontconfig fonts-dejavu-core python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 grader && mkdir /work /data && chown grader:grader /work /data

# torch first: its 200 MB stay in a layer that a change of grader does not touch.
RUN python3 -m venv /opt/grader \
 && /opt/grader/bin/pip install --no-cache-dir \
      --extra-index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu torchvision==0.28.0+cpu

COPY . /src
RUN /opt/grader/bin/pip install --no-cache-dir -c /src/constraints.txt '/src[all]' && rm -rf /src

USER grader
ENV PATH=/opt/grader/bin:$PATH GRADER_DATA=/data MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /work
ENTRYPOINT ["grader"]
CMD ["doctor"]
