# The image of silos and gateways: `gateway` as the argument makes it a gateway. From the top of the repository:
#     docker build -f deploy/images/okms.Dockerfile -t REGISTRY/orleans-kms/okms:0.1.0 .
# The runtime is "chiselled": no shell, no package manager, no root; the process runs with a read-only root file system and
# without capabilities. Both bases are named by a tag that moves with the monthly security fixes, so that a build has them; where builds
# must be repeatable, pin them: --build-arg SDK_IMAGE=…@sha256:… --build-arg RUNTIME_IMAGE=…@sha256:…
# A PKCS#11 module is the vendor's, and is not in this image: build one upon it (deploy/RUNBOOK.md, "The HSM").
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0-noble
ARG RUNTIME_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build
ARG TARGETARCH
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source

# The projects alone first, so that packages are fetched again only when these change. The ahead-of-time compiler is a package too, which a
# restore fetches only on request.
COPY Directory.Build.props Directory.Build.targets Directory.ReadyToRun.targets Directory.Packages.props ./
COPY grain-interfaces/*.csproj grain-interfaces/
COPY grains/*.csproj grains/
COPY gateway/*.csproj gateway/
COPY silo/*.csproj silo/
RUN arch=$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH") \
    && dotnet restore silo -r "linux-$arch" -p:PublishReadyToRun=true

COPY . .
RUN arch=$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH") \
    && dotnet publish silo -c Release -r "linux-$arch" --self-contained false --no-restore -o /app
# For the embedded database and a root key in a file, if they are used. Created at build time, so that a volume mounted here belongs to the
# user who writes to it; nothing else in the image is ever written to.
RUN mkdir -m 0700 /data

FROM ${RUNTIME_IMAGE}
WORKDIR /app
COPY --from=build /app ./
COPY --from=build --chown=$APP_UID:$APP_UID /data /var/lib/okms
# No diagnostic socket: anyone who can open it can dump the keys. All addresses: the container's own network decides who can connect.
ENV DOTNET_EnableDiagnostics=0 \
    OKMS_BIND_ADDRESS=* \
    OKMS_DATA_DIR=/var/lib/okms
# By number, so that Kubernetes can verify that it is not root.
USER $APP_UID
EXPOSE 8080 11111 30000
# Longer than a start may take; an orchestrator that probes over HTTP does not use this.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["dotnet", "/app/okms.dll", "healthcheck"]
ENTRYPOINT ["dotnet", "/app/okms.dll"]
