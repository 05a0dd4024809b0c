// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// The two reads of ENS, resolver and address, with open writes. One contract plays both parts.
contract Names {
    mapping(bytes32 => address) public resolver;
    mapping(bytes32 => address) public addr;

    function set(bytes32 node, address resolver_, address target) external {
        resolver[node] = resolver_;
        addr[node] = target;
    }
}
