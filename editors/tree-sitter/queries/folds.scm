[(enum) (dataset) (params) (network) (definition) (property) (measure)] @fold
