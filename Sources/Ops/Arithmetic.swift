import Graph

let arithmeticOperators: [OperatorEntry] = []
