"""Messages between agents, clients and control. They wrap core types and redeclare nothing."""
