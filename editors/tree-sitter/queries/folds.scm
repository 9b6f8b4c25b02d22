[(enum) (dataset) (params) (network) (definition) (property) (find) (measure)] @fold
