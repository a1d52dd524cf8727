# The gateway's image. From the top of the repository:
#     docker build -f deploy/images/gateway.Dockerfile -t REGISTRY/orleans-kms/gateway:0.1.0 .
# The runtime is "chiselled": no shell, no package manager, no root; the process runs with a read-only root file system and
# without capabilities. Both bases are named by a tag that moves with the monthly security fixes, so that a build has them; where builds
# must be repeatable, pin them: --build-arg SDK_IMAGE=…@sha256:… --build-arg RUNTIME_IMAGE=…@sha256:…
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
COPY gateway/*.csproj gateway/
RUN arch=$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH") \
    && dotnet restore gateway -r "linux-$arch" -p:PublishReadyToRun=true

COPY . .
RUN arch=$(test "$TARGETARCH" = amd64 && echo x64 || echo "$TARGETARCH") \
    && dotnet publish gateway -c Release -r "linux-$arch" --self-contained false --no-restore -o /app

FROM ${RUNTIME_IMAGE}
WORKDIR /app
COPY --from=build /app ./
# No diagnostic socket: anyone who can open it can dump the keys. All addresses: the container's own network decides who can connect.
ENV DOTNET_EnableDiagnostics=0 \
    OKMS_BIND_ADDRESS=*
# By number, so that Kubernetes can verify that it is not root.
USER $APP_UID
EXPOSE 8080
# Longer than a start may take; an orchestrator that probes over HTTP does not use this.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["dotnet", "/app/OrleansKms.Gateway.dll", "healthcheck"]
ENTRYPOINT ["dotnet", "/app/OrleansKms.Gateway.dll"]
