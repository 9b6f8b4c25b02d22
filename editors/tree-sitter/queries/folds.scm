[(enum) (dataset) (params) (network) (import) (definition) (property) (find) (measure)] @fold
